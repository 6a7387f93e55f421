import { createSandbox } from '../../src/processes/sandbox.ts'

/**
 * Why this machine has no sandbox; undefined if it has one. Tests that need it are passed over then, and say so.
 */
export const noSandbox = await createSandbox({ environment: process.env, hidden: [] }).trouble()
if (noSandbox !== undefined) process.stderr.write(`Tests of the sandbox are passed over: ${noSandbox}\n`)
