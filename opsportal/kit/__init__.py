"""What every package may use and none owns: no domain words here."""
