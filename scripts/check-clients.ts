/** Checks the types of test/clients, which `tsc` leaves out since its packages are installed with the first `npm test`. */
import { spawnSync } from 'node:child_process'
import { installBeside } from './install-beside.ts'

if (await installBeside('clients')) {
  process.exitCode = spawnSync('tsc', ['-p', 'test/clients'], { stdio: 'inherit' }).status ?? 1
} else if (process.env['CI']) {
  process.exitCode = 1
}
