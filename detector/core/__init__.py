"""What Faultline knows, as functions of the minutes it is given: no clock, disk, network, log or metrics below here."""
