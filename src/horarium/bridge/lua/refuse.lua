-- Set a message aside that cannot cross.
-- Parameters: KEYS[1] the hold, KEYS[2] the list of refused ones; ARGV[1] the message as it stands in the hold, ARGV[2]
--   the same with the reason
-- Result: 1, or 0 if somebody else has dealt with it
-- State: in the hold -> in the list of refused ones
-- Safe: it is added only by the one call that removes it
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[2])
return 1
