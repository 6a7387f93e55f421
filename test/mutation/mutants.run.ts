/**
 * Breaks the rules of `mutants.ts` one after the other in a copy of the core, and tells who has noticed: the tests of the
 * core, the random worlds among them, and the simulation. `npm run mutants`, `npm run mutants -- --seeds 200`.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Mutant, MUTANTS } from './mutants.ts'

const options = new Command('mutants')
  .description('Breaks rules of the machine on purpose and tells who notices.')
  .option('--seeds <number>', 'worlds of the simulation for each mutant', '60')
  .option('--steps <number>', 'steps in each world', '600')
  .option('--only <words>', 'mutants with these words in their names')
  .parse()
  .opts<{ seeds: string; steps: string; only?: string }>()

const root = join(import.meta.dirname, '..', '..')
const copy = mkdtempSync(join(tmpdir(), 'tutti-mutants-'))
for (const part of ['src', 'test', 'scripts', 'docs', 'package.json', 'vitest.config.ts', 'tsconfig.json']) {
  cpSync(join(root, part), join(copy, part), {
    recursive: true,
    filter: (path) => !path.startsWith(join(root, 'test', 'mutation', 'node_modules')),
  })
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))

/** Whether a command notices: it ends with another code than 0, or does not end. */
function notices(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { cwd: copy, stdio: 'ignore', timeout: 300_000 })
    return false
  } catch {
    return true
  }
}

const tests = ['run', '--project', 'core', '--bail', '1', 'test/core/']
const bySimulation = ['scripts/sim.ts', '--no-shrink', '--seeds', options.seeds, '--steps', options.steps]

function tryOut({ name, file, from, to }: Mutant): boolean {
  const path = join(copy, 'src', 'core', file)
  const text = readFileSync(path, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`"${from}" does not stand exactly once in ${file}`)
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
  const [tested, simulated] = [notices('vitest', tests), notices(process.execPath, bySimulation)]
  writeFileSync(path, text)
  process.stdout.write(`| ${name} | ${file} | ${tested ? 'yes' : 'no'} | ${simulated ? 'yes' : 'no'} |\n`)
  return tested || simulated
}

try {
  if (notices('vitest', tests)) throw new Error('the tests of the core fail without any mutant')
  if (notices(process.execPath, bySimulation)) throw new Error('the simulation fails without any mutant')
  process.stdout.write('| mutant | file | tests | simulation |\n| --- | --- | --- | --- |\n')
  const chosen = MUTANTS.filter(({ name }) => name.includes(options.only ?? ''))
  const missed = chosen.filter((mutant) => !tryOut(mutant))
  process.stdout.write(`${chosen.length - missed.length} of ${chosen.length} were noticed\n`)
  process.exitCode = missed.length > 0 ? 1 : 0
} finally {
  rmSync(copy, { recursive: true })
}
