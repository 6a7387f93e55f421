import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { endOf, ENTRY, folderWith, start, tutti, WORKER } from './tutti.ts'

const SECRET = /^tutti_[\w-]{43}\n$/

/** The command, with something to be let in by. */
const holding = (token: string, folder: string, ...args: string[]) =>
  start(folder, process.execPath, ['--liftoff-only', ENTRY, ...args], { TUTTI_TOKEN: token })

describe('tutti tokens', () => {
  it('makes them in the data directory itself, where no server runs', async () => {
    const folder = folderWith({})
    expect((await endOf(tutti(folder, 'tokens', 'list'), 0)).stdout).toMatch(/No tokens/)
    const made = await endOf(tutti(folder, 'tokens', 'create', 'me', '--role', 'admin', '--expires', '30d'), 0)
    expect(made.stdout).toMatch(SECRET)
    expect(made.stderr).toMatch(/me: ADMIN in all projects, until \d{4}-.*shown this once/)
    const { stdout } = await endOf(tutti(folder, 'tokens', 'list', '--json'), 0)
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'me', roles: ['ADMIN'], project: null, createdBy: 'local', revokedAt: null },
    ])
    expect(stdout).not.toContain(made.stdout.trim())
    const none = await endOf(tutti(folder, 'tokens', 'create', 'x', '--role', 'VIEWER', '--project', 'nowhere'), 1)
    expect(none.stderr).toMatch(/There is no project nowhere/)
  })

  it.each([
    [['tokens', 'create', 'x'], /required option '--role <name>'/],
    [['tokens', 'create', 'x', '--role', 'king'], /one of VIEWER, OPERATOR, APPROVER, AGENT, ADMIN/],
    [['tokens', 'create', 'x', '--role', 'VIEWER', '--expires', '2001-01-01'], /a time to come/],
    [['tokens', 'revoke'], /missing required argument 'token'/],
  ])('%s is refused with what it wants', async (args, message) => {
    expect((await endOf(tutti(folderWith({}), ...args), 1)).stderr).toMatch(message)
  })

  it('makes them at the server that has the data directory, which then lets nobody in without', async () => {
    const folder = folderWith({ ...WORKER, 'work.sh': 'echo done' })
    const server = tutti(folder, 'serve', '--port', '0')
    await server.says(/listens at/)
    expect(server.stderr()).toMatch(/NO TOKEN YET: everybody on this machine may do everything/)
    const [, url = ''] = /listens at (\S+)/.exec(server.stdout()) ?? []
    const key = join(folder, '.tutti', 'house-key')
    expect(statSync(key).mode & 0o777).toBe(0o600)

    const made = await endOf(
      tutti(folder, 'tokens', 'create', 'ci', '--role', 'VIEWER', '--role', 'AGENT', '--json'),
      0,
    )
    const { secret, ...facts } = JSON.parse(made.stdout) as { secret: string; id: string }
    expect(facts).toMatchObject({ name: 'ci', roles: ['VIEWER', 'AGENT'], project: null, expiresAt: null })

    // Whoever has the data directory goes on without one; from elsewhere it takes one.
    const elsewhere = folderWith({})
    await endOf(tutti(folder, 'sessions'), 0)
    await endOf(tutti(folder, 'sessions', '--server', url), 0)
    expect((await endOf(tutti(elsewhere, 'sessions', '--server', url), 1)).stderr).toMatch(
      /A token is needed.*Set TUTTI_TOKEN to one/,
    )
    expect((await endOf(holding('tutti_wrong', folder, 'sessions'), 1)).stderr).toMatch(/Check TUTTI_TOKEN/)
    await endOf(holding(secret, elsewhere, 'sessions', '--server', url), 0)
    const refused = await endOf(holding(secret, folder, 'run', 'work'), 1)
    expect(refused.stderr).toMatch(/That takes ADMIN; you have VIEWER, AGENT/)

    await endOf(tutti(folder, 'tokens', 'create', 'ci', '--role', 'VIEWER'), 0)
    expect((await endOf(tutti(folder, 'tokens', 'revoke', 'ci'), 1)).stderr).toMatch(/2 tokens are called ci/)
    await endOf(tutti(folder, 'tokens', 'revoke', facts.id), 0)
    await endOf(tutti(folder, 'tokens', 'revoke', 'ci'), 0)
    expect((await endOf(tutti(folder, 'tokens', 'list'), 0)).stdout.match(/revoked/g)).toHaveLength(2)
    expect((await endOf(holding(secret, elsewhere, 'sessions', '--server', url), 1)).stderr).toMatch(
      /Check TUTTI_TOKEN/,
    )
    expect((await endOf(tutti(folder, 'tokens', 'revoke', 'nobody'), 1)).stderr).toMatch(/There is no token nobody/)

    server.child.kill('SIGINT')
    await endOf(server, 0)
    expect(existsSync(key)).toBe(false)
    expect(server.stdout() + server.stderr()).not.toContain(secret)
    // A server of its own lets a run in too, whatever tokens there are, and its artifacts with it.
    const run = await endOf(tutti(folder, 'run', 'work', '--no-report', '--json'), 0)
    expect(JSON.parse(run.stdout)).toMatchObject({ session: { status: 'SUCCEEDED' } })
    expect(readFileSync(join(folder, '.tutti', '.gitignore'), 'utf8')).toBe('*\n')
  })
})
