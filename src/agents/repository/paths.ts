/** Folders with code of others or of generators, wherever they stand. */
const FOREIGN_FOLDERS =
  /(^|\/)(node_modules|bower_components|jspm_packages|vendor|third[_-]party|\.yarn|\.venv|venv|site-packages|__pycache__|\.git|\.hg|\.svn|dist|generated|__generated__|_generated|\.next|\.nuxt|\.svelte-kit|\.turbo|\.cache|\.tox|\.mypy_cache|\.pytest_cache|\.gradle|\.terraform|\.tutti)\//

/** Names of output folders that may also be source folders: foreign only where no version control says otherwise. */
const OUTPUT_FOLDERS = /(^|\/)(build|out|target|coverage|htmlcov)\//

const GENERATED_NAMES =
  /(\.min\.(js|css|mjs)|\.bundle\.js|\.generated\.[a-z]+|\.gen\.(ts|go)|_pb2(_grpc)?\.pyi?|\.pb\.(go|cc|h)|\.g\.dart|\.designer\.cs|\.snap|\.map)$/i

const LOCK_FILES =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|composer\.lock|Gemfile\.lock|Cargo\.lock|poetry\.lock|uv\.lock|Pipfile\.lock|go\.sum|flake\.lock)$/

const TESTS =
  /(^|\/)(tests?|specs?|tests?[-_]\w+|__tests__|__mocks__|testdata|fixtures|e2e|cypress|benchmarks?|bench)\/|(\.|-|_)(test|spec|e2e|bench|stories)\.[a-z]+$|(^|\/)test_[^/]*\.py$|_test\.(go|py)$|(^|\/)conftest\.py$|(Test|Tests|Spec)\.(java|kt|cs|scala|swift)$/

/** Code of others, output of generators, lock files: nothing that somebody reads or maintains by hand. */
export function isForeign(path: string): boolean {
  return FOREIGN_FOLDERS.test(path) || GENERATED_NAMES.test(path) || LOCK_FILES.test(path)
}

/** Build output by its folder's usual name. */
export function isBuildOutput(path: string): boolean {
  return OUTPUT_FOLDERS.test(path)
}

/** Tests, their fixtures and benchmarks. */
export function isTest(path: string): boolean {
  return TESTS.test(path)
}

/** What tests are made with: broken on purpose, copied, made up. Nobody mends it. */
export function isMaterial(path: string): boolean {
  return /(^|\/)(fixtures?|__fixtures__|testdata|test-data|__snapshots__|cassettes)\//.test(path)
}

/** Order of paths that is the same on every machine. */
export function byPath(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
