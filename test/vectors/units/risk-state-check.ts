// Unit `risk_state_check`: orders tried in each risk state, with positions and what became of earlier orders.

import { labelledChecksUnit } from '../labelled-checks.ts'
import type { VectorUnit } from '../unit.ts'

export const units: VectorUnit[] = [labelledChecksUnit('risk_state_check', 'risk_state')]
