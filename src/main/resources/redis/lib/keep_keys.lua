-- Moves the keys' own expiry, which is only rubbish collection for what no sweeper ended and must never come before the session's
-- end, to two days after that end when less than a day is left. In the script that moved the end: a request of its own could be lost.
-- Reads: call, format, key_session, expires_at, keys_until
--
-- Moving an expiry is never refused for memory, so it must not be a script's first write. Once a day of a session's life it does
-- something. Few scripts declare all keys of a session, and state and checkpoints need not be there. So the keys are named here, and
-- what fails, which is a key that is on its way to another node of a Cluster, is not an error: the state then goes on saying when the
-- keys end, and whoever is answered asks for session/keep.
if expires_at + KEYS_LEFT_MILLIS > keys_until + 0 then
  local till, all = format('%d', expires_at + KEYS_MORE_MILLIS), true
  for kind in string.gmatch('smicdk', '%a') do
    local key = string.gsub(key_session, '}:s:', '}:' .. kind .. ':', 1)
    all = all and type(redis.pcall('PEXPIREAT', key, till)) == 'number'
  end
  if all then keys_until = till end
end
