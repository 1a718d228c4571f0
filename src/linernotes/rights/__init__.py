"""Pure rules over the model: who decides, what follows, what adds up. No database, no clock, no float."""
