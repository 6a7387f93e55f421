/** Languages by file extension, lower case, without the dot. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  ts: 'TypeScript',
  mts: 'TypeScript',
  cts: 'TypeScript',
  tsx: 'TypeScript',
  js: 'JavaScript',
  mjs: 'JavaScript',
  cjs: 'JavaScript',
  jsx: 'JavaScript',
  vue: 'Vue',
  svelte: 'Svelte',
  astro: 'Astro',
  py: 'Python',
  pyi: 'Python',
  go: 'Go',
  rs: 'Rust',
  java: 'Java',
  kt: 'Kotlin',
  kts: 'Kotlin',
  scala: 'Scala',
  groovy: 'Groovy',
  c: 'C',
  h: 'C',
  cc: 'C++',
  cpp: 'C++',
  cxx: 'C++',
  hh: 'C++',
  hpp: 'C++',
  cs: 'C#',
  fs: 'F#',
  swift: 'Swift',
  m: 'Objective-C',
  rb: 'Ruby',
  php: 'PHP',
  pl: 'Perl',
  lua: 'Lua',
  r: 'R',
  jl: 'Julia',
  ex: 'Elixir',
  exs: 'Elixir',
  erl: 'Erlang',
  hs: 'Haskell',
  ml: 'OCaml',
  clj: 'Clojure',
  dart: 'Dart',
  zig: 'Zig',
  sh: 'Shell',
  bash: 'Shell',
  zsh: 'Shell',
  ps1: 'PowerShell',
  sql: 'SQL',
  graphql: 'GraphQL',
  gql: 'GraphQL',
  proto: 'Protocol Buffers',
  prisma: 'Prisma',
  tf: 'Terraform',
  css: 'CSS',
  scss: 'CSS',
  less: 'CSS',
  html: 'HTML',
  htm: 'HTML',
  md: 'Markdown',
  mdx: 'Markdown',
  rst: 'reStructuredText',
  json: 'JSON',
  jsonc: 'JSON',
  yaml: 'YAML',
  yml: 'YAML',
  toml: 'TOML',
  xml: 'XML',
}

/** Languages that describe, configure or hold data rather than compute. */
const NOT_CODE: ReadonlySet<string> = new Set([
  'Markdown',
  'reStructuredText',
  'JSON',
  'YAML',
  'TOML',
  'XML',
  'HTML',
  'CSS',
])

/** The language of a file by its name, or null for one that is not known. */
export function languageOf(path: string): string | null {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (/^dockerfile(\.|$)/i.test(name)) return 'Dockerfile'
  if (/^(gnu)?makefile$/i.test(name)) return 'Makefile'
  const dot = name.lastIndexOf('.')
  return dot < 0 ? null : (BY_EXTENSION[name.slice(dot + 1).toLowerCase()] ?? null)
}

/** Whether a language is one that programs are written in. */
export function isCode(language: string | null): boolean {
  return language !== null && !NOT_CODE.has(language)
}

/** Languages that declare; repetition and length mean little there. */
const DECLARATIVE: ReadonlySet<string> = new Set([
  'GraphQL',
  'SQL',
  'Prisma',
  'Protocol Buffers',
  'Terraform',
  'Dockerfile',
  'Makefile',
])

/** Whether a language is one that tells a machine what to do, step by step. */
export function isProgram(language: string | null): boolean {
  return isCode(language) && !DECLARATIVE.has(language!)
}

/** Whether oxc can parse the file. */
export function isJavaScript(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path)
}
