"""The RPC methods of a CPE (TR-069 A.3, A.4): their table, and a function for each of them."""
