"""The catalogue in other people's formats: MovieLabs OMC-JSON and EBUCorePlus. Pure."""
