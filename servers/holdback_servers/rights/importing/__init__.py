"""Rights that come in from files: prepared where untrusted files are read, compared with what is on record, recorded.

`preparing` runs in the media worker and knows no store; `applying` compares and records; `outcome` is what people see.
"""
