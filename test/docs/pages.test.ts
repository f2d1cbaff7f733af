import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { piecesOfText } from './pages.ts'

test('blocks of a page are told by their shape and cut into what can be run by itself', () => {
  const page = [
    '# Title',
    '    oes serve    # with a remark',
    '    for port in 1 2; do',
    '      echo "',
    '        $port"',
    '    done',
    '    oes one \\',
    '      --two',
    'Words, and `oes in passing`.',
    '## Pictures',
    '    | length u32 | body |',
    '',
    '    [66, 0, account]',
    '    entry: [ticker]',
    '```frame',
    '[2, 0, 0]',
    '```',
    '```',
    'one ─→ two',
    '```',
    '## Others',
    '    log:',
    '      level: info',
    '',
    '    SELECT 1',
    '      FROM one;',
    '    SELECT 2;',
    '',
    '    quote,2026-01-30T14:30:00Z,ABX.TSX,1,2,3,4',
    '    close,2026-01-30T14:29:00Z,ABX.TSX,1',
    '',
    '    const client = await connect({})',
    '```',
    'rm in a fence',
    '```',
  ].join('\n')
  deepEqual(
    piecesOfText('page.md', page).map(({ kind, line, heading, text }) => [kind, line, heading, text]),
    [
      ['command', 2, 'Title', 'oes serve    # with a remark'],
      ['command', 3, 'Title', 'for port in 1 2; do\n  echo "\n    $port"\ndone'],
      ['command', 7, 'Title', 'oes one \\\n  --two'],
      ['configuration', 22, 'Others', 'log:\n  level: info'],
      ['sql', 25, 'Others', 'SELECT 1\n  FROM one;'],
      ['sql', 27, 'Others', 'SELECT 2;'],
      ['recording', 29, 'Others', 'quote,2026-01-30T14:30:00Z,ABX.TSX,1,2,3,4\nclose,2026-01-30T14:29:00Z,ABX.TSX,1'],
      ['program', 32, 'Others', 'const client = await connect({})'],
      ['command', 34, 'Others', 'rm in a fence'],
    ],
  )
})
