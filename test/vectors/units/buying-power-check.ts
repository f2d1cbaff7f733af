// Unit `buying_power_check`: orders tried against limits, with positions, rates and what became of earlier orders.

import { labelledChecksUnit } from '../labelled-checks.ts'
import type { VectorUnit } from '../unit.ts'

export const units: VectorUnit[] = [labelledChecksUnit('buying_power_check', 'buying_power')]
