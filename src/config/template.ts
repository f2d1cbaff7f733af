// Writes the default files, `config.default.yml`, `platform.default.yml` and `risk.default.yml`, from their schemas: each
// key with its comment, what it allows, and its default. Where an installation decides, it has `$name` for the set-up
// script to replace.

import { PLATFORM_SCHEMA } from './platform-schema.ts'
import { RISK_SCHEMA } from './risk-schema.ts'
import { SCHEMA } from './schema.ts'
import type { Setting, Settings } from './setting.ts'

/** The text of `config.default.yml`. */
export function configTemplate(): string {
  return template('order execution server', SCHEMA.keys)
}

/** The text of `platform.default.yml`. */
export function platformTemplate(): string {
  return template('platform', PLATFORM_SCHEMA.keys)
}

/** The text of `risk.default.yml`. */
export function riskTemplate(): string {
  return template('risk server', RISK_SCHEMA.keys)
}

function template(of: string, keys: Settings): string {
  const opening = `Configuration of the ${of}. Each key stands here with its default, except those with a $,
which setup replaces; a key that is left out has its default too. Numbers may have _ between groups of three digits.`
  return `${commented(opening, '')}\n${keysTemplate(keys, '')}`
}

function keysTemplate(keys: Settings, indent: string): string {
  const parts = Object.entries(keys).map(([name, setting]) => settingTemplate(name, setting, indent))
  return parts.join(indent === '' ? '\n' : '')
}

function settingTemplate(name: string, setting: Setting<unknown>, indent: string): string {
  const { comment, allowed, written, template } = setting
  if ('keys' in setting) {
    const keys = `${indent}${name}:\n${keysTemplate(setting.keys as Settings, `${indent}  `)}`
    const isAside = 'isAside' in setting && setting.isAside === true
    return `${commented(comment, indent)}${isAside ? keys.replaceAll(/^(?=.)/gm, '# ') : keys}`
  }
  const fallback = template !== undefined && written !== undefined ? `; default ${written}` : ''
  const sentence = `${allowed[0]!.toUpperCase()}${allowed.slice(1)}${fallback}.`
  const head = commented(`${comment.replace(/\.?$/, '.')}\n${sentence}`, indent)
  const value = template ?? written
  if (value === undefined) return `${head}${indent}# ${name}:\n`
  return `${head}${indent}${name}:${value.startsWith('\n') ? '' : ' '}${value}\n`
}

function commented(text: string, indent: string): string {
  return text.replaceAll(/^/gm, `${indent}# `).concat('\n')
}
