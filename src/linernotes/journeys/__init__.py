"""What people come for, one verb per file: plain functions over a workspace. They know no screen; progress is a callback."""
