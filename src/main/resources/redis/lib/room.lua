-- Lets a script that adds data, but begins with a write that Redis never refuses, find out first whether memory is full.
-- Reads: key_session (which is there)
-- Defines: room (nil while there is memory, else Redis's refusal, which the script returns before it writes)
local function room()
  -- A write that Redis may refuse and that changes nothing.
  local said = redis.pcall('HSETNX', key_session, 'p', '')
  return type(said) == 'table' and said.err and said or nil
end
