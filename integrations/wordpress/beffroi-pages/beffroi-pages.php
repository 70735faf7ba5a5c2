<?php
/**
 * Plugin Name: Beffroi pages
 * Description: Lets the beffroi platform store this site's pages for a day, and purges those that a change concerns.
 * Version: 1.0
 * Requires at least: 6.0
 * Requires PHP: 7.4
 * License: GPL-2.0-or-later
 *
 * It runs inside WordPress and calls its functions, hence WordPress's licence rather than the platform's.
 * This program is free software: you can redistribute it and/or modify it under the terms of the GNU General
 * Public License as published by the Free Software Foundation, either version 2 of the License, or (at your
 * option) any later version. It comes without any warranty; see the licence for details.
 */

namespace Beffroi\Pages;

defined( 'ABSPATH' ) || exit;

const LIFE_S = 86400;
// A nonce is valid for 12 to 24 hours: a page that holds one must end before.
const LIFE_WITH_FORM_S = 36000;
const LIFE_OF_SEARCH_S  = 600;
const LIFE_OF_MISSING_S = 3600;
const MOST_TAGS         = 150;
// The editor waits at most once for the connection and once for the answer.
const PATIENCE_S = 1;
// Kinds of content that other pages are made of.
const PARTS_OF_ALL = array( 'nav_menu_item', 'wp_block', 'wp_global_styles', 'wp_navigation', 'wp_template', 'wp_template_part' );
// Options that visitors see the effect of, but for what plugins keep for themselves.
const VISIBLE_OPTIONS = '/^(active_plugins|avatar_|blog|category_base|comment|date_format|default_comment|home$|page_|permalink'
	. '|posts_per|require_name|show_|sidebars_|site_icon|siteurl|start_of_week|sticky|stylesheet|tag_base|template$|theme_mods_'
	. '|thread_|time_format|timezone|widget_|WPLANG)/';

/** What this request shows, and what it makes stale. */
final class Request {
	public static array $shown  = array();
	public static array $stale  = array();
	public static bool $site    = false;
	public static array $nonces = array();
	public static bool $form    = false;
	public static bool $private = false;
}

function show( string ...$tags ): void {
	Request::$shown += array_fill_keys( $tags, true );
}

function outdate( string ...$tags ): void {
	Request::$stale += array_fill_keys( $tags, true );
}

function outdate_site(): void {
	Request::$site = true;
}

// What a page shows ------------------------------------------------------------------------------------------------

// A list in the page, such as the latest posts beside it; the page's own query is read in main_tags().
add_action( 'pre_get_posts', function ( \WP_Query $query ): void {
	if ( ! $query->is_main_query() && ! $query->is_singular() ) {
		$types = array_diff( (array) ( $query->get( 'post_type' ) ?: 'post' ), PARTS_OF_ALL );
		show( ...array_map( fn( $type ) => "list-$type", $types ) );
	}
} );
add_filter( 'get_pages', function ( array $pages ): array {
	show( 'list-page' );
	return $pages;
} );
add_filter( 'getarchives_where', function ( string $where ): string {
	show( 'list-post' );
	return $where;
} );
add_action( 'pre_get_comments', function ( \WP_Comment_Query $query ): void {
	$query->query_vars['post_id'] || show( 'comments' );
} );
// WordPress asks this when it makes a nonce for somebody who has not signed in; it makes some that no page shows.
add_filter( 'nonce_user_logged_out', function ( $visitor, $action ) {
	Request::$nonces[ $action ] = true;
	return $visitor;
}, 10, 2 );

function holds_nonce( string $page ): bool {
	foreach ( array_keys( Request::$nonces ) as $action ) {
		if ( str_contains( $page, wp_create_nonce( $action ) ) ) {
			return true;
		}
	}
	return false;
}

function main_tags(): array {
	$object = get_queried_object();
	$kinds  = array( 'home' => is_front_page() || is_home(), 'feed' => is_feed() && ! is_singular(), 'comments' => is_comment_feed(), 'search' => is_search(), '404' => is_404() );
	$tags   = array_keys( array_filter( $kinds ) );
	if ( get_query_var( 'sitemap' ) ) {
		return array( 'sitemap' );
	} elseif ( $object instanceof \WP_Post && is_singular() ) {
		array_push( $tags, "post-$object->ID", "byline-$object->post_author" );
	} elseif ( $object instanceof \WP_Term ) {
		$tags[] = "term-$object->term_id";
	} elseif ( $object instanceof \WP_User ) {
		$tags[] = "author-$object->ID";
	} elseif ( ! is_404() ) {
		$types = get_query_var( 'post_type' ) ?: 'post';
		$tags  = array_merge( $tags, array_map( fn( $type ) => "list-$type", (array) $types ) );
	}
	return $tags;
}

add_action( 'template_redirect', function (): void {
	$post             = get_queried_object();
	Request::$form    = is_singular() && comments_open();
	Request::$private = is_user_logged_in() || is_preview() || is_customize_preview() || isset( $_GET['moderation-hash'] )
		|| ( $post instanceof \WP_Post && '' !== $post->post_password )
		|| ( function_exists( 'is_cart' ) && ( is_cart() || is_checkout() || is_account_page() ) );
	show( ...main_tags() );
	// Lists and nonces are known once the page is made, and headers leave with its first byte.
	ob_start( function ( string $page ): string {
		Request::$form = Request::$form || holds_nonce( $page );
		headers_sent() || send_headers();
		return $page;
	} );
}, -1000 );

function send_headers(): void {
	$status = http_response_code();
	if ( 404 === $status || get_query_var( 'sitemap' ) ) {
		// WordPress forbids to keep them, sitemaps because they look like missing pages; a publication purges them.
		array_map( 'header_remove', array( 'Cache-Control', 'Expires' ) );
	}
	$sent = strtolower( implode( "\n", headers_list() ) );
	if ( Request::$private || ( defined( 'DONOTCACHEPAGE' ) && DONOTCACHEPAGE ) ) {
		header( 'Cache-Control: private, no-store' );
	} elseif ( in_array( $_SERVER['REQUEST_METHOD'], array( 'GET', 'HEAD' ), true )
		&& in_array( $status, array( 200, 301, 404, 410 ), true )
		&& ! preg_match( '/^(set-cookie|cache-control):/m', $sent ) ) {
		301 === $status && show( '404' );
		$life_s = min( LIFE_S, Request::$form ? LIFE_WITH_FORM_S : LIFE_S, is_search() ? LIFE_OF_SEARCH_S : LIFE_S, 404 === $status ? LIFE_OF_MISSING_S : LIFE_S );
		header( "Cache-Control: public, max-age=60, s-maxage=$life_s" );
		header( 'Cache-Groups: ' . groups( Request::$shown ) );
	}
}

function groups( array $tags ): string {
	return implode( ', ', array_map( fn( $tag ) => '"' . addcslashes( (string) $tag, '"\\' ) . '"', array_keys( $tags ) ) );
}

// What a change makes stale ----------------------------------------------------------------------------------------

/** Outdate the pages that link to the next post and to the one before. */
function outdate_neighbours( \WP_Post $post ): void {
	foreach ( array( 'before' => 'DESC', 'after' => 'ASC' ) as $side => $order ) {
		$date = array( array( $side => $post->post_date ) );
		$near = get_posts( array( 'post_type' => $post->post_type, 'numberposts' => 1, 'order' => $order, 'date_query' => $date, 'fields' => 'ids' ) );
		outdate( ...array_map( fn( $id ) => "post-$id", $near ) );
	}
}

function outdate_post( \WP_Post $post ): void {
	$terms = wp_get_object_terms( $post->ID, get_object_taxonomies( $post->post_type ), array( 'fields' => 'ids' ) );
	outdate( "post-$post->ID", "author-$post->post_author", "list-$post->post_type", 'list-any', 'search', 'sitemap' );
	'post' === $post->post_type && outdate( 'home', 'feed' );
	outdate( ...array_map( fn( $id ) => "term-$id", $terms ) );
}

// Publication, update, schedule that falls due, trash: WordPress tells each of them as a transition.
add_action( 'transition_post_status', function ( string $new, string $old, \WP_Post $post ): void {
	if ( in_array( $post->post_type, PARTS_OF_ALL, true ) ) {
		outdate_site();
	} elseif ( in_array( 'publish', array( $new, $old ), true ) && is_post_type_viewable( $post->post_type ) ) {
		outdate_post( $post );
		if ( $new !== $old ) {
			// An address that had no page has one, or the reverse.
			outdate( '404' );
			outdate_neighbours( $post );
			wp_get_associated_nav_menu_items( $post->ID ) && outdate_site();
		}
	}
}, 10, 3 );
add_action( 'post_updated', function ( int $id, \WP_Post $after, \WP_Post $before ): void {
	if ( 'publish' === $before->post_status && 'publish' === $after->post_status && is_post_type_viewable( $before->post_type ) ) {
		outdate( "author-$before->post_author" );
		// Menus and links inside pages show titles and addresses.
		array( $before->post_name, $before->post_parent, $before->post_title ) === array( $after->post_name, $after->post_parent, $after->post_title )
			|| outdate_site();
	}
}, 10, 3 );
add_action( 'set_object_terms', function ( $id, $terms, $now, $taxonomy, $append, $before ): void {
	$changed = array_merge( array_diff( $now, $before ), array_diff( $before, $now ) );
	if ( $changed && 'publish' === get_post_status( $id ) ) {
		outdate_post( get_post( $id ) );
		outdate( ...array_map( fn( $term ) => 'term-' . get_term_by( 'term_taxonomy_id', $term )->term_id, $changed ) );
	}
}, 10, 6 );
// Lists show how many comments a post has.
function outdate_comments( $post ): void {
	outdate( 'comments' );
	outdate_post( get_post( $post ) );
}
add_action( 'wp_update_comment_count', __NAMESPACE__ . '\outdate_comments', 10, 1 );
add_action( 'edit_comment', function ( int $id ): void {
	outdate_comments( get_comment( $id )->comment_post_ID );
} );
add_action( 'profile_update', function ( int $id ): void {
	outdate( "author-$id", "byline-$id", 'home', 'feed', 'list-post' );
} );
foreach ( array( 'added_option', 'updated_option', 'deleted_option' ) as $change ) {
	add_action( $change, function ( string $name ): void {
		preg_match( VISIBLE_OPTIONS, $name ) && outdate_site();
	} );
}
foreach ( array( 'edited_term', 'delete_term', 'switch_theme', 'customize_save_after', 'wp_update_nav_menu', 'wp_delete_nav_menu', 'edit_attachment', 'delete_attachment', 'upgrader_process_complete' ) as $change ) {
	add_action( $change, __NAMESPACE__ . '\outdate_site', 10, 0 );
}

// The purge: one request for all that a request changed, before its answer is flushed (priority 1) ---------------------

add_action( 'shutdown', function (): void {
	$path = getenv( 'BEFFROI_PURGE_SOCKET' );
	if ( ! $path || ! ( Request::$site || Request::$stale ) ) {
		return;
	}
	$site = Request::$site || count( Request::$stale ) > MOST_TAGS;
	$what = $site ? 'Beffroi-Purge: site' : 'Cache-Groups: ' . groups( Request::$stale );
	$host = explode( ',', getenv( 'BEFFROI_HOSTS' ) ?: wp_parse_url( home_url(), PHP_URL_HOST ) )[0];
	$door = @stream_socket_client( "unix://$path", $code, $reason, PATIENCE_S ); // phpcs:ignore -- its failure is told below
	if ( $door ) {
		stream_set_timeout( $door, PATIENCE_S );
		fwrite( $door, "PURGE / HTTP/1.1\r\nHost: $host\r\nAuthorization: Bearer " . getenv( 'BEFFROI_PURGE_TOKEN' ) . "\r\n$what\r\nConnection: close\r\n\r\n" );
		$reason = trim( (string) fgets( $door ) ) ?: 'no answer in time';
		fclose( $door );
	}
	if ( ! preg_match( '#^HTTP/1\.1 200\b#', $reason ) ) {
		error_log( "beffroi-pages: pages may be stale ($what): $reason" );
	}
}, 0 );
