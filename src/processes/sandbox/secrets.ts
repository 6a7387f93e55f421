/** What lets its holder in elsewhere, or tells of a person: files and folders below the home folder. */
const OF_A_PERSON = [
  '.ssh',
  '.gnupg',
  '.password-store',
  '.local/share/keyrings',
  '.netrc',
  '.git-credentials',
  '.config/git/credentials',
  '.config/gh',
  '.config/glab-cli',
  '.config/hub',
  '.npmrc',
  '.yarnrc.yml',
  '.pypirc',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.gem/credentials',
  '.m2/settings.xml',
  '.gradle/gradle.properties',
  '.aws',
  '.azure',
  '.oci',
  '.config/gcloud',
  '.config/doctl',
  '.config/rclone',
  '.kube',
  '.docker',
  '.config/containers',
  '.terraform.d',
  '.vault-token',
  '.pgpass',
  '.my.cnf',
  '.mozilla',
  '.config/google-chrome',
  '.config/chromium',
  '.bash_history',
  '.zsh_history',
  '.node_repl_history',
  '.python_history',
  '.psql_history',
]

/** Only root could read them anyway, but servers are run as root. */
const OF_THE_MACHINE = ['/etc/shadow', '/etc/gshadow', '/etc/ssl/private']

/** Absolute paths of what programs do not see unless the operator says so. */
export function usualSecrets(homes: readonly string[]): string[] {
  return [...OF_THE_MACHINE, ...homes.flatMap((home) => OF_A_PERSON.map((name) => `${home}/${name}`))]
}
