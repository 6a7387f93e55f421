import { beforeAll, describe, expect, it } from 'vitest'
import type { AgentLine } from '../../src/cli/agents.ts'
import type { ConfigFile } from '../../src/configFile.ts'
import { ASKING } from './asking.ts'
import { hasTerminal, inTerminal, KEY } from './terminal.ts'
import { answerIn, endOf, ENTRY, folderWith, start, tutti } from './tutti.ts'

const CONFIG: Record<string, string> = {
  'tutti.config.json': JSON.stringify({
    builtinAgents: false,
    commands: { says: { argv: ['/bin/sh', '-c', 'echo hello'] } },
  } satisfies ConfigFile),
}

describe.skipIf(!hasTerminal)('tutti agents add in a terminal', { concurrent: true }, () => {
  let home: string
  beforeAll(async () => {
    home = folderWith(CONFIG)
    const server = start(home, process.execPath, ['--liftoff-only', ENTRY, 'serve', '--port', '0'])
    await server.says(/Ctrl-C stops the server/)
  })
  const registered = async (name: string): Promise<AgentLine | undefined> => {
    const { stdout } = await endOf(tutti(home, 'agents', 'list', '--json'), 0)
    return (JSON.parse(stdout) as AgentLine[]).find((agent) => agent.name === name)
  }

  it('asks for all that is missing, says what an answer lacks, and registers what was answered', async () => {
    const add = inTerminal(home, 'agents', 'add', 'asked')
    await add.type(/What is it for\?/, KEY.down + KEY.enter)
    await add.type(/What does it do, on what/, `Says hello.${KEY.enter}`)
    await add.type(/Its skills, separated by commas/, ` , ${KEY.enter}`)
    await add.type(/Name at least one\./, `talk, greet ,${KEY.enter}`)
    await add.type(/How is it driven\?/, KEY.enter)
    await add.type(/The name of the command in tutti\.config\.ts/, `says${KEY.enter}`)
    const { stdout } = await endOf(add, 0)
    expect(stdout).toContain('asked is registered: new, version 1.')
    expect(await registered('asked')).toMatchObject({
      type: 'TESTING',
      runtime: 'command',
      capabilities: ['talk', 'greet'],
      status: 'ONLINE',
    })
  })

  it('asks for nothing that was given, and for no name where workers do it', async () => {
    const given = ['--description', 'Waits.', '--capability', 'wait', '--pull']
    const add = inTerminal(home, 'agents', 'add', 'half', ...given)
    await add.type(/What is it for\?/, KEY.enter)
    const { stdout } = await endOf(add, 0)
    expect(stdout).not.toMatch(/What does it do|Its skills|How is it driven/)
    expect(await registered('half')).toMatchObject({ type: 'CODEGEN', runtime: 'pull', capabilities: ['wait'] })
  })

  it('registers nothing for whoever leaves with Ctrl-C, and says so', async () => {
    const add = inTerminal(home, 'agents', 'add', 'left')
    await add.type(/What is it for\?/, KEY.enter)
    await add.type(/What does it do, on what/, KEY.interrupt)
    const { stdout } = await endOf(add, 1)
    expect(stdout).toContain('Nothing was registered.')
    expect(await registered('left')).toBeUndefined()
  })
})

describe.skipIf(!hasTerminal)('tutti approve in a terminal', () => {
  it('lets one of those that wait be chosen, and takes the answer from the keyboard', async () => {
    const folder = folderWith(ASKING)
    const run = tutti(folder, 'run', '--task', 'ask.json', '--json')
    await run.says(/Answer with: tutti/)

    const later = inTerminal(folder, 'approve')
    await later.type(/Which one do you want to answer\?/, KEY.down + KEY.enter)
    await endOf(later, 0)
    const approve = inTerminal(folder, 'approve')
    await approve.type(/Which one do you want to answer\?/, KEY.enter)
    await approve.type(/Your answer/, KEY.enter)
    await approve.type(/The answer/, `there${KEY.enter}`)
    expect((await endOf(approve, 0)).stdout).toContain('Answered "Where to?": answer.')
    const { stdout } = await endOf(run, 0)
    expect(answerIn(stdout)).toMatchObject({ session: { status: 'SUCCEEDED', output: { where: 'there' } } })
  })
})
