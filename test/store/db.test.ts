import { describe, expect, it } from 'vitest'
import { DATABASES, freshDatabase } from '../database.ts'

describe.each(DATABASES)('the database on %s', async (kind) => {
  it('answers', async () => {
    const s = performance.now()
    const database = await freshDatabase(kind)
    console.log(kind, performance.now() - s)
    expect(await database.query('select $1::int as a', [1])).toEqual([{ a: 1 }])
    expect(await database.prisma.project.findMany()).toEqual([])
  })
})
