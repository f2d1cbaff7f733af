import { equal } from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { COMPLIANCE_PAGE, compliancePage } from '../../scripts/compliance.ts'

test('the page of compliance rules is the one that scripts/compliance.ts writes', () => {
  equal(fs.readFileSync(COMPLIANCE_PAGE, 'utf8'), compliancePage())
})
