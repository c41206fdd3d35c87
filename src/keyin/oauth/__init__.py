"""The RFCs as one subject, readable against their text; knows no framework, SQL or preferences."""
