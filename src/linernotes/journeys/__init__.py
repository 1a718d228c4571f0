"""What people come for, one verb per file: functions over a workspace that know no screen; progress is a callback."""
