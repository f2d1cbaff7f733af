// Every key of the risk server's configuration, in the order of its default file: what it is for, its unit, its
// bounds, its default. `riskTemplate` writes the default file from this table, and `RiskConfig` is its type.

import { LOG_COMMENT, logFile, logLevel } from './log-schema.ts'
import { pemFile } from './pem-file.ts'
import { secret } from './secret.ts'
import { address, choice, list, optional, section, text } from './setting.ts'

const RISK_SERVICE = 'risk_service'

export const RISK_SCHEMA = section('', {
  server: section('Where clients connect, and how they find the server.', {
    service: text({
      comment: 'Name under which the server is registered with the service locator.',
      what: 'a name',
      byDefault: RISK_SERVICE,
    }),
    interface: address({
      comment: 'Address to listen at; port 0 takes any free port.',
      byDefault: '127.0.0.1:20600',
      template: '$local_interface:20600',
    }),
    addresses: list({
      comment: 'Addresses to be registered, as clients reach them; none means that of the interface.',
      items: address({ comment: 'an address', byDefault: '127.0.0.1:20600' }),
      byDefault: [],
    }),
  }),
  service_locator: section('The service locator, by which all other services are found.', {
    address: address({
      comment: 'Where the service locator listens.',
      byDefault: '127.0.0.1:20000',
      template: '$service_locator_address',
    }),
    username: text({
      comment: 'Account that the server logs in with; it has to be an administrator.',
      what: 'a name',
      byDefault: RISK_SERVICE,
    }),
    password: secret({ comment: 'Its password.', byDefault: RISK_SERVICE, template: '$admin_password' }),
  }),
  order_execution_service: text({
    comment: 'Name under which the order execution server is registered.',
    what: 'a name',
    byDefault: 'order_execution_service',
  }),
  order_execution_tls: section('Encryption of the connections to the order execution server.', {
    use: choice({
      comment: 'Whether they are encrypted: they have to be where its server.tls has a certificate.',
      words: ['on', 'off'],
      byDefault: 'off',
    }),
    ca: pemFile({
      comment:
        'Certificates of the authorities that are trusted; absent, those that the system trusts. Files of this section are\n' +
        'read again before each connection.',
    }),
    certificate: pemFile({
      comment: "The risk server's own certificate, for the name of its account, where the server asks for one.",
    }),
    key: pemFile({ comment: 'The key of that certificate.' }),
    server_name: optional(
      text({
        comment: "Name that the server's certificate has to have; absent, the host at which it is registered.",
        what: 'a name',
        byDefault: '',
      }),
    ),
  }),
  data_file: text({
    comment: 'File for inventory snapshots and transitions.',
    what: 'a path',
    byDefault: 'risk.db',
  }),
  log: section(LOG_COMMENT, { level: logLevel, ...logFile }),
})
