"""The methods of a CPE (TR-069 A.3, A.4): one table, and what each answers."""
