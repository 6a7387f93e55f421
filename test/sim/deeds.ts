import { FAULTS } from './faults.ts'
import { PEOPLE } from './people.ts'

/** All that can be done to a world. */
export const DEEDS = { ...PEOPLE, ...FAULTS }
export type DeedKind = keyof typeof DEEDS
export const PEOPLE_KINDS = Object.keys(PEOPLE) as (keyof typeof PEOPLE)[]
export const FAULT_KINDS = Object.keys(FAULTS) as (keyof typeof FAULTS)[]
