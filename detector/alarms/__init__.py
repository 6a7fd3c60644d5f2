"""Alarms: notifications as they are published, and what is read back from them afterwards."""
