-- Put a message into a list of a queue of kombu's, once.
-- Parameters: KEYS[1] the list, KEYS[2] the mark that it was sent; ARGV[1] the message, ARGV[2] seconds to keep the mark
-- Result: 1, or 0 if it was sent before
-- State: nowhere -> in the queue, with a mark
-- Safe: a script runs alone: the mark and the message come into being together, so a sender that died and tries again
--   changes nothing
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[1])
return 1
