/** Makes the database that new data directories begin as, so that a first start takes no longer than any other. */
import { MIGRATIONS } from '../src/store/migrate.ts'
import { makeTemplate } from '../src/store/template.ts'

await makeTemplate(MIGRATIONS)
