#!/usr/bin/env python3
"""Makes config.yml from config.default.yml: replaces its $variables by what this installation needs.

Only the standard library is used, so that it runs wherever there is Python 3.6 or newer.
"""

import argparse
import getpass
import os
import re
import socket
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

# A route to this address tells which of the machine's addresses others reach it by. Nothing is sent.
OUTSIDE_ADDRESS = ('192.0.2.1', 9)
LOCATOR_PORT = 20000
TEXT_LENGTH_MAX = 4096
WAYS_OUT = 'Give --force to replace it, or --output for another file.'

EPILOG = """\
exit status:
  0  written, or there already as it would be written
  1  not written; standard error says why
  2  wrong command line

examples:
  scripts/setup.py -p 'a good password'
  scripts/setup.py -l 10.0.0.5 -w 203.0.113.5 -p - < password.txt
  scripts/setup.py -p secret -ma 10.0.0.7:3306 -ma 10.0.0.8:3306 -mu oes -ms orders
"""


class SetupError(Exception):
    """What keeps the configuration from being made, as a sentence."""


def own_address():
    """The address of the interface that leads outside; loopback where none does."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(OUTSIDE_ADDRESS)
            return probe.getsockname()[0]
    except OSError:
        return '127.0.0.1'


def checked_text(name, value):
    """What may stand in the configuration as a text; the value is never part of what is told."""
    if value == '':
        raise SetupError('%s is empty.' % name)
    try:
        units = len(value.encode('utf-16-le')) // 2
    except UnicodeEncodeError:
        raise SetupError('%s is not written in UTF-8.' % name)
    if units > TEXT_LENGTH_MAX:
        raise SetupError('%s is longer than %d characters.' % (name, TEXT_LENGTH_MAX))
    if not value.replace(' ', 'x').isprintable():
        raise SetupError('%s has a line break or another character in it that cannot be printed.' % name)
    return value


def checked_host(name, value):
    """A host as it stands before a port: an IPv6 address gets its brackets."""
    host = value[1:-1] if value.startswith('[') and value.endswith(']') else value
    if ':' in host:
        try:
            socket.inet_pton(socket.AF_INET6, host)
        except OSError:
            raise SetupError("%s is a host without a port, as 10.0.0.5; '%s' is none." % (name, printable(value)))
        return '[%s]' % host
    if not re.match(r'[^\s:\[\]]+\Z', host):
        raise SetupError("%s is a host without a port, as 10.0.0.5; '%s' is none." % (name, printable(value)))
    return host


def checked_address(name, value):
    """An address as the server reads it."""
    match = re.match(r'(\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+):(\d{1,5})\Z', value)
    if match is None or int(match.group(2)) > 65535:
        given = printable(value)
        raise SetupError("%s is an address as host:port, an IPv6 host in brackets; '%s' is none." % (name, given))
    return value


def printable(text):
    return ''.join(c if c.isprintable() else '?' for c in text.encode('utf-8', 'replace').decode('utf-8'))


def secret(name, value):
    """A password; `-` asks for it, or reads a line of standard input, so that it need not be on the command line."""
    if value != '-':
        return checked_text(name, value)
    if sys.stdin.isatty():
        return checked_text(name, getpass.getpass('%s: ' % name))
    line = sys.stdin.readline()
    return checked_text(name, line[:-1] if line.endswith('\n') else line)


# What YAML takes for a text without quotes, whatever stands around it: letters, digits and a little more, a letter
# first; and addresses of IPv4. Words that mean something else are not among them.
PLAIN = re.compile(r'(?:[A-Za-z][A-Za-z0-9_./@-]*(?::[A-Za-z0-9_.-]+)*|\d+\.\d+\.\d+\.\d+(?::\d+)?)\Z')
WORDS = re.compile(r'(?:null|true|false|yes|no|on|off|y|n)\Z', re.IGNORECASE)


def quoted(text):
    """The text as a YAML scalar, in single quotes where it needs quotes."""
    if PLAIN.match(text) and not WORDS.match(text):
        return text
    return "'%s'" % text.replace("'", "''")


VARIABLE = re.compile(r'\$([a-z_]+)')
# A line with a value: what stands before it, the value, and a remark behind it.
LINE = re.compile(r"(\s*(?:-\s+)?(?:[A-Za-z_]+:\s+)?)('[^']*'|\"[^\"]*\"|[^\s#'\"][^#]*?)(\s*(?:#.*)?)\Z")


def substituted(line, variables, file, number):
    """A line of the default file with its variables replaced, and quoted as a whole unless they stand in quotes."""
    if line.lstrip().startswith('#') or VARIABLE.search(line) is None:
        return line
    match = LINE.match(line)
    if match is None:
        raise SetupError('%s:%d: a variable has to be a value, or part of one.' % (file, number))
    head, scalar, tail = match.groups()
    quote = scalar[0] if scalar[0] in '\'"' else ''

    def replacement(found):
        name = found.group(1)
        if name not in variables:
            raise SetupError('%s:%d: nothing is known of $%s.' % (file, number, name))
        value = variables[name]
        if quote == "'":
            return value.replace("'", "''")
        if quote == '"':
            return value.replace('\\', '\\\\').replace('"', '\\"')
        return value

    value = VARIABLE.sub(replacement, scalar)
    return head + (value if quote else quoted(value)) + tail


def without_repeated_items(lines):
    """Leaves out entries of a list that stand in it already, as one address for inside and outside."""
    kept = []
    seen = set()
    for line in lines:
        if re.match(r'\s*- ', line):
            if line in seen:
                continue
            seen.add(line)
        elif line.strip() != '' and not line.lstrip().startswith('#'):
            seen.clear()
        kept.append(line)
    return kept


def with_stores(lines, addresses):
    """Makes the data store a list, where it has several addresses; what the first one says holds for the others."""
    if len(addresses) == 1:
        return lines
    begin = next((i for i, line in enumerate(lines) if line.rstrip() == 'data_store:'), None)
    if begin is None:
        raise SetupError('The default file has no section data_store for several MySQL servers.')
    end = next((i for i in range(begin + 1, len(lines)) if re.match(r'\S', lines[i])), len(lines))
    # An empty line and the remark of the next section belong to that.
    while end > begin and lines[end - 1].strip() == '':
        end -= 1
    section = []
    is_first = True
    for line in lines[begin + 1 : end]:
        is_key = not line.lstrip().startswith('#')
        section.append(('  - ' if is_key and is_first else '    ') + line.lstrip())
        if is_key:
            is_first = False
    # Remarks before the first key stand before the dash.
    others = ['  - address: %s' % quoted(address) for address in addresses[1:]]
    return lines[: begin + 1] + section + others + lines[end:]


def configuration(template, arguments):
    """The text of the configuration."""
    try:
        with open(template, encoding='utf-8') as file:
            lines = file.read().split('\n')
    except OSError as error:
        raise SetupError('%s cannot be read: %s.' % (template, error.strerror))
    except UnicodeDecodeError:
        raise SetupError('%s is not written in UTF-8.' % template)
    local = checked_host('--local', arguments.local if arguments.local is not None else own_address())
    world = checked_host('--world', arguments.world) if arguments.world is not None else local
    password = secret('--password', arguments.password)
    mysql_password = password
    if arguments.mysql_password is not None:
        mysql_password = secret('--mysql_password', arguments.mysql_password)
    stores = [checked_address('--mysql_address', address) for address in arguments.mysql_address or ['127.0.0.1:3306']]
    if len(set(stores)) < len(stores):
        raise SetupError('--mysql_address names the same server twice.')
    locator = arguments.address if arguments.address is not None else '%s:%d' % (local, LOCATOR_PORT)
    variables = {
        'local_interface': local,
        'global_interface': world,
        'service_locator_address': checked_address('--address', locator),
        'admin_password': password,
        'mysql_address': stores[0],
        'mysql_username': checked_text('--mysql_username', arguments.mysql_username),
        'mysql_password': mysql_password,
        'mysql_schema': checked_text('--mysql_schema', arguments.mysql_schema),
    }
    made = [substituted(line, variables, template, i + 1) for i, line in enumerate(lines)]
    made = with_stores(without_repeated_items(made), stores)
    return '\n'.join(made).replace(
        'Each key stands here with its default, except those with a $,\n# which setup replaces; a key',
        'Each key stands here with its default, except those that\n# setup was told; a key',
    )


def write(output, text, force):
    """Writes the whole file or nothing, for its owner's eyes alone. Returns what was done, as a word."""
    data = text.encode('utf-8')
    try:
        with open(output, 'rb') as file:
            there = file.read()
    except FileNotFoundError:
        there = None
    except OSError as error:
        raise SetupError('%s cannot be read: %s.' % (output, error.strerror))
    if there == data and not force:
        return 'is as it would be written'
    if there is not None and not force:
        raise SetupError('%s exists and is different. %s' % (output, WAYS_OUT))
    folder = os.path.dirname(os.path.abspath(output))
    temporary = None
    try:
        # A file of mkstemp has the mode 0600 from its first moment.
        descriptor, temporary = tempfile.mkstemp(prefix='.config-', suffix='.yml', dir=folder)
        with os.fdopen(descriptor, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if force:
            os.replace(temporary, output)
        else:
            # Unlike a rename, a link never replaces what somebody has put there meanwhile.
            os.link(temporary, output)
            os.unlink(temporary)
        temporary = None
    except FileExistsError:
        raise SetupError('%s exists by now. %s' % (output, WAYS_OUT))
    except OSError as error:
        raise SetupError('%s cannot be written: %s.' % (output, error.strerror))
    finally:
        if temporary is not None:
            try:
                os.unlink(temporary)
            except OSError:
                pass  # It may not have been made; what kept it from that has been told.
    return 'replaced' if there is not None else 'written'


def parser():
    made = argparse.ArgumentParser(
        description='Make config.yml from config.default.yml.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **({'allow_abbrev': False} if sys.version_info >= (3, 8) else {})
    )
    add = made.add_argument
    add('-l', '--local', metavar='HOST', help='local interface; the address that leads outside, else 127.0.0.1')
    add('-w', '--world', metavar='HOST', help='interface as clients outside reach it; that of --local')
    add('-a', '--address', metavar='HOST:PORT', help='service locator; port 20000 of --local')
    add('-p', '--password', required=True, help='password of the service account; - asks for it, or reads a line')
    stores = {'metavar': 'HOST:PORT', 'action': 'append'}
    add('-ma', '--mysql_address', help='MySQL server, 127.0.0.1:3306; again for one that keeps the same', **stores)
    add('-mu', '--mysql_username', metavar='NAME', default='spireadmin', help='its user; spireadmin')
    add('-mp', '--mysql_password', metavar='PASSWORD', help="the user's password; that of --password")
    add('-ms', '--mysql_schema', metavar='NAME', default='spire', help='its database; spire')
    add('-o', '--output', metavar='FILE', default='config.yml', help='file to write, - for standard output; config.yml')
    add('-t', '--template', metavar='FILE', default=os.path.join(ROOT, 'config.default.yml'), help='file to begin with')
    add('-f', '--force', action='store_true', help='replace a file that is there')
    return made


def main():
    arguments = parser().parse_args()
    try:
        text = configuration(arguments.template, arguments)
        if arguments.output == '-':
            sys.stdout.buffer.write(text.encode('utf-8'))
            return EXIT_DONE
        done = write(arguments.output, text, arguments.force)
    except SetupError as error:
        sys.stderr.write('setup.py: %s\n' % error)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED
    print('%s %s.' % (arguments.output, done))
    return EXIT_DONE


if __name__ == '__main__':
    sys.exit(main())
