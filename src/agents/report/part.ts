import type { Json } from '../../core/json.ts'
import type { UpstreamResult } from '../../runtime.ts'

/** An object of which nothing is known. */
export type Fields = { [key: string]: Json }

/** One part of the work as the report tells it. */
export interface Part {
  key: string
  title: string
  agent: string | null
  status: string
  /** One line. */
  summary: string
  /** False if there is no result. */
  done: boolean
  /** What a person should look at, in a few words each; empty if nothing. */
  attention: string[]
  sections: Section[]
  /** What a reader should know of how the result came about, such as limits that were hit. */
  notes: string[]
  artifacts: UpstreamResult['artifacts']
}

/** A part of the report with a heading. */
export interface Section {
  title: string
  /** Markdown, never empty. */
  body: string
  /** True for what is good to know but asks for nothing: it comes after what does. */
  background?: boolean
}

/** A value as an object with fields; without any if it is none. Outputs of others are never trusted to have a shape. */
export function fields(value: Json | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

/** The objects of a list. */
export function rows(value: Json | undefined): Fields[] {
  return Array.isArray(value) ? value.map(fields) : []
}

/** The strings of a list. */
export function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** A string, or an empty one. */
export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** A number, or zero. */
export function number(value: Json | undefined): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
