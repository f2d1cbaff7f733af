import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { MalformedText, parsePrometheusText } from './prometheus-text.ts'

test('the reader of the text format reads names, labels, escapes and numbers', () => {
  const text = [
    '# HELP a_total What \\\\ is\\ncounted "here".',
    '# TYPE a_total counter',
    'a_total 1',
    'a_total{x="1",y="\\"\\\\\\n"} 2.5e3 1700000000000',
    '# a comment',
    '',
    '# HELP b B.',
    '# TYPE b gauge',
    'b{x="",} -Inf',
    '',
  ].join('\n')
  deepEqual(parsePrometheusText(text), [
    {
      name: 'a_total',
      help: 'What \\ is\ncounted "here".',
      type: 'counter',
      samples: [
        { name: 'a_total', labels: {}, value: 1 },
        { name: 'a_total', labels: { x: '1', y: '"\\\n' }, value: 2500 },
      ],
    },
    {
      name: 'b',
      help: 'B.',
      type: 'gauge',
      samples: [{ name: 'b', labels: { x: '' }, value: Number.NEGATIVE_INFINITY }],
    },
  ])
})

test('the reader of the text format takes nothing that the format does not allow', () => {
  const gauge = '# HELP g G.\n# TYPE g gauge\n'
  const histogram = '# HELP h H.\n# TYPE h histogram\n'
  const whole = 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n'
  deepEqual(parsePrometheusText(histogram + whole).length, 1)
  const faults: [text: string, why: RegExp][] = [
    [`${gauge}g 1`, /no end/],
    ['g 1\n', /another metric/],
    [`${gauge}g 1\ng 1\n`, /twice/],
    [`${gauge}g{a="1",b="2"} 1\ng{b="2",a="1"} 1\n`, /twice/],
    [`${gauge}g{a="1",a="2"} 1\n`, /label twice/],
    [`${gauge}g{a="1"b="2"} 1\n`, /comma/],
    [`${gauge}g{a="\\x"} 1\n`, /escape/],
    [`${gauge}g{1a="1"} 1\n`, /label/],
    [`${gauge}g one\n`, /number/],
    [`${gauge}g\n`, /no value/],
    [`${gauge}g 1\n# HELP g again\n`, /behind samples/],
    [`${gauge}# HELP g again\n`, /second HELP/],
    [`${gauge}# HELP i I.\n# TYPE i gauge\ni 1\ng 1\n`, /another metric/],
    [`${gauge}# HELP i I.\n# TYPE i gauge\n# TYPE g gauge\n`, /one piece/],
    ['# HELP g G.\ng 1\n', /no TYPE/],
    ['# TYPE g gauge\ng 1\n', /no HELP/],
    ['# HELP c C.\n# TYPE c counter\nc 1\n', /_total/],
    ['# HELP c_total C.\n# TYPE c_total counter\nc_total -1\n', /is -1/],
    ['# HELP c_total C.\n# TYPE c_total number\nc_total 1\n', /no type/],
    [histogram + whole.replace('h_sum 3\n', ''), /one sum/],
    [histogram + whole.replace('h_bucket{le="+Inf"} 2\n', ''), /\+Inf/],
    [histogram + whole.replace('h_count 2', 'h_count 3'), /another count/],
    [histogram + whole.replace('h_bucket{le="1"} 1', 'h_bucket{le="1"} 3'), /shrink/],
    [histogram + whole.replace('h_sum', 'h_bucket{le="0.5"} 0\nh_sum'), /order/],
  ]
  for (const [text, why] of faults) {
    throws(
      () => parsePrometheusText(text),
      (error: unknown) => error instanceof MalformedText && why.test(error.message),
      text,
    )
  }
})
