import fc from 'fast-check'

/**
 * Runs of a property that does not say how many it needs: a broken rule that so many random inputs do not show is one for
 * an example, and each mutant is tried with all the tests that reach it.
 */
const RUNS = 25

fc.configureGlobal({ numRuns: RUNS })
