"""What is seen and heard in one pass over media: likeness, faults, sound, a proxy. Pure rules and worker code; numpy
and FFmpeg are imported only where they are used."""

from holdback_servers.assets.looking.hashes import bits_apart, is_flat, nine_by_eight, picture_hash

__all__ = ["bits_apart", "is_flat", "nine_by_eight", "picture_hash"]
