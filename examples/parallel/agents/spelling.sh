echo 'there is no dictionary here' >&2
exit 3
