// Unit `board_lot_check`: quantities tried against closes and quotes.

import { labelledChecksUnit } from '../labelled-checks.ts'
import type { VectorUnit } from '../unit.ts'

export const units: VectorUnit[] = [labelledChecksUnit('board_lot_check', 'board_lot')]
