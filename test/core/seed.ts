import fc from 'fast-check'

// The same cases every time; SEED=<number> for others. A failure prints its seed and the path to the smallest case.
fc.configureGlobal({ seed: Number(process.env.SEED ?? 20_260_101) })
