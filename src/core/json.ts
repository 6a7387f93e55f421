/** A value that survives JSON: what tasks take in, agents put out and events carry. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
