"""The one door to Kafka: minutes and labels come in, alarms and dead letters go out. Nothing is decided here."""
