// The only door to Preact and htm: markup as template texts, components as functions.

import htm from 'htm'
import { type ComponentChildren, h, render, type VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

export type Markup = VNode
export type Children = ComponentChildren

type Html = (strings: TemplateStringsArray, ...values: unknown[]) => VNode

/** One element of markup. A component stands in it as `<${Component} … />`. */
export const html = htm.bind(h as (...parts: unknown[]) => VNode) as unknown as Html // of one element, never of several

export { render, useEffect, useLayoutEffect, useMemo, useRef, useState }
