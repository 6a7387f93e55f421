#!/usr/bin/env node
// Plain JavaScript that any Node can read: it finds a Node that runs the TypeScript of src/ as it is.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const NEEDED = 24
const major = (version) => Number(version.split('.')[0])
const entry = new URL('../src/cli/tutti.ts', import.meta.url)
const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))

if (major(process.versions.node) >= NEEDED) {
  await import(entry.href)
} else if (existsSync(pinned) && process.env.TUTTI_LAUNCHED === undefined) {
  const child = spawn(pinned, [fileURLToPath(entry), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, TUTTI_LAUNCHED: process.version },
  })
  // Passed on, so that whoever signals this process reaches the other; the terminal's Ctrl-C arrives there twice.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`The Node in ${pinned} cannot be started (${error.message}).`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
} else {
  fail(`This is Node ${process.versions.node}.`)
}

/** @param {string} what */
function fail(what) {
  process.stderr.write(
    `tutti needs Node ${NEEDED} or later. ${what}\n` +
      `Run \`npm ci\` in the folder of tutti, which brings the right one along, or install it from https://nodejs.org.\n`,
  )
  process.exit(1)
}
