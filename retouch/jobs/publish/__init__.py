"""Check the packages of the retraining job and write them to GitHub.

Decides whether a package is accepted, is outdated, or must wait. Holds the token that writes, so it
runs no code of the repository and trusts no package before it is checked.
In: a folder of packages and a checkout of the base branch. Out: objects on DVC's remote, one commit
on the alert's branch, and its pull request brought up to date.
"""
