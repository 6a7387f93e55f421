/** Writes schema.graphql, which is committed: what changes in the API can be read there. */
import { writeFileSync } from 'node:fs'
import { printSchema } from 'graphql'
import { schema } from '../src/graphql/schema.ts'

writeFileSync(new URL('../schema.graphql', import.meta.url), `${printSchema(schema)}\n`)
