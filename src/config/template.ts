// Writes the default file, `config.default.yml`, from the schema: each key with its comment, what it allows, and its
// default. Where an installation decides, it has `$name` for the set-up script to replace.

import { SCHEMA } from './schema.ts'
import type { Setting, Settings } from './setting.ts'

const OPENING = `Configuration of the order execution server. Each key stands here with its default, except those with a $,
which setup replaces; a key that is left out has its default too. Numbers may have _ between groups of three digits.`

/** The text of `config.default.yml`. */
export function configTemplate(): string {
  return `${commented(OPENING, '')}\n${keysTemplate(SCHEMA.keys, '')}`
}

function keysTemplate(keys: Settings, indent: string): string {
  const parts = Object.entries(keys).map(([name, setting]) => settingTemplate(name, setting, indent))
  return parts.join(indent === '' ? '\n' : '')
}

function settingTemplate(name: string, setting: Setting<unknown>, indent: string): string {
  const { comment, allowed, written, template } = setting
  if ('keys' in setting) {
    return `${commented(comment, indent)}${indent}${name}:\n${keysTemplate(setting.keys as Settings, `${indent}  `)}`
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
