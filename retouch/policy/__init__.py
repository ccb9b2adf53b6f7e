"""The policy files, and what they decide about an alert. Pure.

Decides which tiers are tried for a group of alerts or what a person is asked to do (`decide`), and
which edits of declared inputs a tier makes (`edits`). In: the texts of `policies/*.yaml`, alerts,
stages, parsed params files. Out: the policies as frozen values, decisions, edits, warnings of
`retouch policy check`, or InputError that names file, key, fault and hint. Reads no file.
"""
