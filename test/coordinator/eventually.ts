import { expect } from 'vitest'

/** Expects of something that it will be so in a while, on a machine that others keep busy too. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 25_000, interval: 10 })
