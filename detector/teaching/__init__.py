"""Teaching: a label request, the preview of its alarms, and the import of a label pack."""
