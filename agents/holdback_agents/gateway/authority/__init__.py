"""The house's own authority over who a person is: OAuth 2.1 and OpenID Connect, for programs that people work with.

A program sends a person's browser here; the person signs in, sees what the program asks for, and allows it or not.
"""
