// Writes the default files, `config.default.yml`, `platform.default.yml` and `risk.default.yml`, from their schemas:
// node scripts/config.ts

import fs from 'node:fs'
import { configTemplate, platformTemplate, riskTemplate } from '../src/config/template.ts'

const root = new URL('..', import.meta.url)
fs.writeFileSync(new URL('config.default.yml', root), configTemplate())
fs.writeFileSync(new URL('platform.default.yml', root), platformTemplate())
fs.writeFileSync(new URL('risk.default.yml', root), riskTemplate())
