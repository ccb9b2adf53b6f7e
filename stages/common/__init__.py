"""What every stage shares: its command line, params, periods, tables and their contracts."""
